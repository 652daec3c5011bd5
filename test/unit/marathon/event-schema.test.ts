import { describe, expect, it } from 'vitest';
import { parseEvent } from '../../../src/marathon/event-schema.ts';

describe('parseEvent()', () => {
  it.each([
    ['status_update_event', { appId: '/web', taskStatus: 'TASK_RUNNING' }, ['/web'], undefined],
    ['instance_changed_event', { runSpecId: '/web', condition: 'Running' }, ['/web'], undefined],
    ['api_post_event', { appDefinition: { id: '/web', env: {} } }, ['/web'], undefined],
    [
      'deployment_success',
      { id: 'd1', plan: { id: 'd1', steps: [{ actions: [{ action: 'x', app: '/web' }] }] } },
      ['/web'],
      'd1',
    ],
    [
      'deployment_info',
      {
        plan: { id: 'd2', steps: [] },
        currentStep: { actions: [{ app: '/lb' }, { app: '/lb' }, { pod: '/p' }] },
      },
      ['/lb'],
      'd2',
    ],
    ['event_stream_attached', { remoteAddress: '10.0.0.9' }, [], undefined],
    ['something_new', { odd: [1] }, [], undefined],
  ])('lifts the ids out of %s', (type, fields, appIds, deploymentId) => {
    const data = { eventType: type, timestamp: '2020-01-01T10:00:00.000Z', ...fields };

    expect(parseEvent(type, JSON.stringify(data))).toEqual({
      type,
      timestamp: '2020-01-01T10:00:00.000Z',
      appIds,
      deploymentId,
      data,
    });
  });

  it('keeps an event whose known fields have another form', () => {
    expect(parseEvent('deployment_success', '{"appId":7,"plan":"heavy","currentStep":[]}')).toMatchObject({
      type: 'deployment_success',
      appIds: [],
      deploymentId: undefined,
    });
  });

  it.each(['', 'no json', '[]x', '"text"', 'null', '[1]'])('drops %j', (data) => {
    expect(parseEvent('status_update_event', data)).toBeUndefined();
  });

  it('takes the type from the data when the frame names none', () => {
    expect(parseEvent(undefined, '{"eventType":"a"}')?.type).toBe('a');
    expect(parseEvent(undefined, '{}')).toBeUndefined();
  });
});
